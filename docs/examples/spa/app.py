# [setup]
from flask import Flask, abort, jsonify, request
from flask_login import LoginManager, UserMixin, current_user, login_required
from flask_login import login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
app.config.update(SECRET_KEY="keep this one secret", SESSION_COOKIE_SAMESITE="Lax")
CSRFProtect(app)
login_manager = LoginManager(app)
# [users]


class User(UserMixin):
    def __init__(self, id, password):
        self.id, self.password_hash = id, generate_password_hash(password)


users = {"ann": User("ann", "correct horse")}
login_manager.user_loader(users.get)
orders = ["tea"]


# [api]
def whoami():
    return jsonify(
        user=current_user.id if current_user.is_authenticated else None,
        csrf_token=generate_csrf(),
    )


@app.get("/api/session")
def session_state():
    return whoami()


@app.post("/api/session")
def login():
    user = users.get(request.json["name"])
    if user is None or not check_password_hash(user.password_hash, request.json["password"]):
        abort(403)
    login_user(user, remember=request.json.get("remember", False))
    return whoami()


@app.delete("/api/session")
def logout():
    logout_user()
    return whoami()


@app.get("/api/orders")
@login_required
def list_orders():
    return jsonify(orders)


@app.post("/api/orders")
@login_required
def add_order():
    orders.append(request.json["text"])
    return jsonify(orders), 201


@app.errorhandler(CSRFError)
def wrong_token(error):
    return jsonify(reason="csrf", detail=error.description), 400


# [cors]
OUR_ORIGINS = {"https://shop.example", "http://localhost:5173"}


@app.after_request
def allow_our_origins(response):
    origin = request.headers.get("Origin")
    response.headers.add("Vary", "Origin")
    if origin in OUR_ORIGINS:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type, X-CSRFToken"
    return response


# [page]
@app.get("/")
def page():
    return app.send_static_file("index.html")


# [end]
