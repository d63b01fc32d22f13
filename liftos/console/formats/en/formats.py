"""As the API and the drawn pages write them: to the second, the year first, so that a column of them sorts at a glance."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s"
TIME_FORMAT = "H:i:s"
