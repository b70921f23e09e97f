"""How often and how unevenly cramps come, of a diary and by what people were asked."""
