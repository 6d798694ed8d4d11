from dataclasses import dataclass

from flask_login import UserMixin


@dataclass(eq=False)
class User(UserMixin):
    id: str
    email: str


users = {"1": User("1", "ann@example.com")}
