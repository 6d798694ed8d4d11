"""Users that come from a database, by each of the libraries that read one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import mongoengine
import mongomock
import peewee
import pony.orm
import pytest
import sqlmodel
from asgiref.sync import async_to_sync
from bson import ObjectId
from flask import Flask
from flask_migrate import Migrate, check, downgrade, init, migrate, upgrade
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine, inspect
from tests.integrations.conftest import Level
from tests.integrations.flow import browser_of, doctor, make_site, walk
from tests.redirect_status import REDIRECT
from tortoise import fields
from tortoise.context import TortoiseContext
from tortoise.models import Model

from flask_login import MemorySessionStore, UserMixin
from flask_login.sessions import SQLAlchemySessionStore

TABLES = {"login_sessions", "login_sessions_ended_before"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'site.db'}"


# Flask-SQLAlchemy


class Shop:
    """An application with a model, and an id of each of its users that is a number."""

    def __init__(self, url: str) -> None:
        self.app = Flask("site")
        self.app.config["SQLALCHEMY_DATABASE_URI"] = url
        self.db = db = SQLAlchemy(self.app)

        class Member(UserMixin, db.Model):  # type: ignore[name-defined,misc]  # made at run time
            id = db.Column(db.Integer, primary_key=True)
            name = db.Column(db.String(80), unique=True)

        self.model = Member

    def find(self, name: str) -> Any:
        return self.db.session.execute(
            self.db.select(self.model).filter_by(name=name)
        ).scalar_one_or_none()

    def load(self, user_id: str) -> Any:
        return self.db.session.get(self.model, int(user_id))

    def open(self, store: Any) -> Flask:
        return make_site(store, app=self.app, find=self.find, load=self.load)

    def fill(self) -> None:
        """Add two users."""
        self.db.session.add_all([self.model(id=7, name="ann"), self.model(id=8, name="ben")])
        self.db.session.commit()


@pytest.fixture
def shop(url: str) -> Iterator[Shop]:
    shop = Shop(url)
    yield shop
    with shop.app.app_context():
        shop.db.session.remove()
        shop.db.engine.dispose()


@pytest.mark.parametrize("stored", [False, True])
def test_flask_sqlalchemy(shop: Shop, stored: bool) -> None:
    app = shop.open(SQLAlchemySessionStore(shop.db) if stored else None)
    with app.app_context():
        shop.db.create_all()
        shop.fill()
        assert (set(inspect(shop.db.engine).get_table_names()) > TABLES) is stored
    walk(browser_of(app), stored=stored, user_id="7")


# Flask-Migrate, and Alembic under it


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    # The script that it makes would silence the loggers of the other tests.
    monkeypatch.setattr("logging.config.fileConfig", lambda *_, **__: None)
    return str(tmp_path / "migrations")


Make = Callable[[Any, str], Any]

#: How the page on stores says that a store has to be made.
MIGRATED: dict[str, Make] = {
    "db": lambda db, url: SQLAlchemySessionStore(db),
    "url with the models' MetaData": lambda db, url: SQLAlchemySessionStore(
        url, metadata=db.metadata
    ),
    "engine with the models' MetaData": lambda db, url: SQLAlchemySessionStore(
        create_engine(url), metadata=db.metadata
    ),
}


@pytest.mark.parametrize("how", MIGRATED)
def test_flask_migrate(shop: Shop, url: str, migrations: str, how: str) -> None:
    store = MIGRATED[how](shop.db, url)
    app = shop.open(store)
    Migrate(app, shop.db, directory=migrations)
    with app.app_context():
        init()
        migrate()
        upgrade()
        assert set(inspect(shop.db.engine).get_table_names()) > TABLES
        # Flask-Migrate keeps what the first command of a process made.
        app.extensions["migrate"].configure_args.pop("process_revision_directives")
        check()  # ends the program when something is left to migrate
        shop.fill()
    walk(browser_of(app), stored=True, user_id="7")
    assert "unmigrated_tables" not in doctor(app)
    with app.app_context():
        downgrade()
        assert not TABLES & set(inspect(shop.db.engine).get_table_names())
        store._get_engine().dispose()


def test_a_store_whose_tables_the_next_migration_would_drop_is_told_of(
    shop: Shop, url: str, migrations: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLAlchemySessionStore(url)
    store.create_all()
    app = shop.open(store)
    Migrate(app, shop.db, directory=migrations)
    with app.app_context():
        init()
        migrate()
        script = "".join(file.read_text() for file in Path(migrations).glob("versions/*.py"))
        assert "drop_table('login_sessions')" in script
    assert "unmigrated_tables" in doctor(app)
    browser_of(app).get("/")
    assert any("the next migration that Alembic makes drops them" in m for m in caplog.messages)
    store._get_engine().dispose()


# MongoEngine, on a MongoDB that is a dictionary


class MongoMember(UserMixin, mongoengine.Document):
    name = mongoengine.StringField()

    def get_id(self) -> str:
        return str(self.pk)


@pytest.fixture
def mongo() -> Iterator[Any]:
    client = mongoengine.connect("site", mongo_client_class=mongomock.MongoClient)
    MongoMember(name="ann").save()
    yield client
    mongoengine.disconnect()


LOADERS = {
    "objects": lambda user_id: MongoMember.objects(id=user_id).first(),
    "ObjectId": lambda user_id: MongoMember.objects(pk=ObjectId(user_id)).first(),
}


@pytest.mark.usefixtures("mongo")
@pytest.mark.parametrize("how", LOADERS)
def test_mongoengine(level: Level, how: str) -> None:
    def find(name: str) -> Any:
        return MongoMember.objects(name=name).first()

    app = make_site(level.store, find=find, load=LOADERS[how])
    walk(browser_of(app), stored=level.stored, user_id=find("ann").get_id())


@pytest.mark.usefixtures("mongo")
@pytest.mark.parametrize("how", LOADERS)
def test_an_id_of_another_form_than_mongodb_s_is_of_nobody(how: str) -> None:
    asked = []

    def load(user_id: str) -> Any:
        asked.append(user_id)
        return LOADERS[how](user_id)

    client = make_site(load=load).test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "7"  # from the database of before
    assert client.get("/").text == "user nobody"
    assert client.get("/guarded").status_code == REDIRECT
    assert asked == ["7", "7"]


# Peewee


def test_peewee(level: Level, tmp_path: Path) -> None:
    database = peewee.SqliteDatabase(tmp_path / "peewee.db")

    class Member(UserMixin, peewee.Model):
        name = peewee.CharField(unique=True)

        class Meta:
            database: peewee.Database

    with database.bind_ctx([Member]):
        database.create_tables([Member])
        ann = Member.create(name="ann")
        app = make_site(
            level.store,
            find=lambda name: Member.get_or_none(Member.name == name),
            load=lambda user_id: Member.get_or_none(Member.id == int(user_id)),
        )
        walk(browser_of(app), stored=level.stored, user_id=str(ann.id))
    database.close()


# Pony


def test_pony(level: Level, tmp_path: Path) -> None:
    database = pony.orm.Database()

    class Member(database.Entity, UserMixin):  # type: ignore[misc,name-defined]  # made at run time
        name = pony.orm.Required(str, unique=True)

    database.bind("sqlite", str(tmp_path / "pony.db"), create_db=True)
    database.generate_mapping(create_tables=True)
    with pony.orm.db_session:
        user_id = Member(name="ann")
        pony.orm.flush()
        user_id = str(user_id.id)
    app = make_site(
        level.store,
        find=lambda name: Member.get(name=name),
        load=lambda user_id: Member.get(id=int(user_id)),
    )
    # As `pony.flask.Pony` does, of which Flask 2.3 took away what it hangs on.
    with pony.orm.db_session:
        walk(browser_of(app), stored=level.stored, user_id=user_id)
    database.disconnect()


# Tortoise


class TortoiseMember(UserMixin, Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(80)


def test_tortoise_by_an_async_loader(level: Level, tmp_path: Path) -> None:
    where = {"db_url": f"sqlite://{tmp_path / 'tortoise.db'}", "modules": {"site": [__name__]}}

    async def fill() -> None:
        async with TortoiseContext() as context:
            await context.init(**where)
            await context.generate_schemas()
            await TortoiseMember.create(id=7, name="ann")

    async def find(**wanted: Any) -> Any:
        async with TortoiseContext() as context:
            await context.init(**where)
            return await TortoiseMember.get_or_none(**wanted)

    async def load(user_id: str) -> Any:
        return await find(id=int(user_id))

    async_to_sync(fill)()
    app = make_site(level.store, find=lambda name: async_to_sync(find)(name=name), load=load)
    walk(browser_of(app), stored=level.stored, user_id="7")


# SQLModel


class ModelFirst(sqlmodel.SQLModel, UserMixin, table=True):
    id: Optional[int] = sqlmodel.Field(default=None, primary_key=True)  # noqa: UP045  # read by it
    name: str


class MixinFirst(UserMixin, sqlmodel.SQLModel, table=True):
    id: Optional[int] = sqlmodel.Field(default=None, primary_key=True)  # noqa: UP045  # read by it
    name: str


@pytest.mark.parametrize("model", [ModelFirst, MixinFirst])
@pytest.mark.parametrize("stored", [False, True])
def test_sqlmodel(url: str, model: Any, stored: bool) -> None:
    engine = create_engine(url)
    store = SQLAlchemySessionStore(engine, metadata=sqlmodel.SQLModel.metadata.__class__())
    sqlmodel.SQLModel.metadata.create_all(engine)
    store.create_all()
    with sqlmodel.Session(engine) as session:
        session.add(model(id=7, name="ann"))
        session.commit()

    def find(name: str) -> Any:
        with sqlmodel.Session(engine) as session:
            return session.exec(sqlmodel.select(model).where(model.name == name)).first()

    def load(user_id: str) -> Any:
        with sqlmodel.Session(engine) as session:
            return session.get(model, int(user_id))

    app = make_site(store if stored else MemorySessionStore(), find=find, load=load)
    walk(browser_of(app), stored=True, user_id="7")
    engine.dispose()
