"""What a student should see next, and how a class compares."""
