"""What treatments did: how they came to people, the nights that they were taken on, and what is compared by design."""
