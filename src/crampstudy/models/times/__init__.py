"""Models of times: to relief, and to the next cramp."""
