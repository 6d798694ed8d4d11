from shop.logins import current_user, login_manager
from shop.models import User

print(current_user.emial)

login_manager.login_user("ann")

print(login_manager.get_current_user().email)


@login_manager.user_loader
def load_user(user: User) -> User | None:
    return user


@login_manager.user_loader
def load_name(user_id: str) -> str:
    return user_id
