"""The whole at a glance."""

from local.commands.serving import serving
from local.console.sources.account import Account, Row


class Overview:
    """Counts, and what serves."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def counts(self) -> Row:
        """Rows by table, as DynamoDB counts them."""
        names = ("StudentsTable", "InteractionsTable", "ClassActivityTable", "OperationsTable")
        describe = self._account.client("dynamodb").describe_table
        return {
            name.removesuffix("Table"): describe(TableName=self._account.outputs[name])["Table"].get("ItemCount", 0)
            for name in names
        }

    def serving(self) -> Row:
        """What answers rankings: `campaigns`, `rankings`, and where there is something to do, `next`."""
        return dict(serving(self._account.instance))
