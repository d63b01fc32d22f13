"""The admin's date and time formats."""
