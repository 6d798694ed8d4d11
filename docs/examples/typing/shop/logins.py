from flask_login import LoginManager

from .models import User, users

login_manager = LoginManager[User]()
login_manager.login_view = "pages.login"
current_user = login_manager.current_user


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    return users.get(user_id)
