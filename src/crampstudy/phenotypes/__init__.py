"""Groups of people whose cramps are alike: whether there are any, and what each is like."""
