"""How many bicycles will be rented in each hour of tomorrow?"""
