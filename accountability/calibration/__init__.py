"""How far stated confidences can be believed, judged by what people said of the decisions."""
