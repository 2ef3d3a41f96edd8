"""The few places where the two engines want another statement."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Integer, Table, bindparam, cast, column, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import Text, TypeEngine

T = TypeVar("T")


def upsert(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of this connection."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def given_rows(parameter: str) -> TableValuedAlias:
    """The rows that a parameter holds as a JSON array of arrays, to be read by `field`. However
    many they are, one statement and one call of the driver takes them."""
    elements = _Elements(bindparam(parameter, type_=Text()))
    return elements.table_valued(column("value"), name=parameter)


def field(rows: TableValuedAlias, place: int, kind: TypeEngine[T]) -> ColumnElement[T]:
    """What each of the given rows has at a place, NULL for null."""
    return _Field(rows.c.value, literal_column(str(place)), type_=kind)


class _Elements(GenericFunction[Any]):
    """A row for each element of a JSON array, in the column ``value``."""

    _register = False
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _elements_on_sqlite(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _elements_on_postgresql(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **options)} AS JSONB))"


class _Field(GenericFunction[Any]):
    """What a JSON array has at a place, as a value of the column's type."""

    _register = False
    inherit_cache = True


@compiles(_Field, "sqlite")
def _field_on_sqlite(element: _Field, compiler: SQLCompiler, **options: Any) -> str:
    array, place = (compiler.process(one, **options) for one in element.clauses)
    return f"json_extract({array}, '$[{place}]')"


@compiles(_Field, "postgresql")
def _field_on_postgresql(element: _Field, compiler: SQLCompiler, **options: Any) -> str:
    array, place = (compiler.process(one, **options) for one in element.clauses)
    return str(compiler.process(cast(literal_column(f"{array} ->> {place}"), element.type)))


class larger(GenericFunction[int]):  # noqa: N801 - used as a function
    """The larger of two numbers, neither of them NULL."""

    _register = False
    inherit_cache = True
    type = Integer()


@compiles(larger, "sqlite")
def _larger_on_sqlite(element: larger, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


@compiles(larger, "postgresql")
def _larger_on_postgresql(element: larger, compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"
