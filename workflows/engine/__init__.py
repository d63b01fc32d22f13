"""What carries workflows out. Postgres holds the truth; whoever runs this code asks it what there is to do."""
