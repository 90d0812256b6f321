"""Nightclass: the AWS account you do not have."""
