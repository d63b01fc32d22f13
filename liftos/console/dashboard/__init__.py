"""The admin's overview page, with figures of the current organisation from every app."""
