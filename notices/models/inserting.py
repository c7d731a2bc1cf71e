"""Rows made ready before their transaction, so that it holds the database no longer than inserting takes."""

import functools
from collections.abc import Sequence

from django.db import connection, models

# What both databases take as it is, so that nobody asks the field.
AS_IT_IS = {
    models.CharField: str,
    models.EmailField: str,
    models.TextField: str,
    models.BooleanField: bool,
    models.ForeignKey: int,
}


class Ready:
    """New rows of one model, converted for the database, and sealed where they are; one statement inserts them all.
    Their dates are given: a field that fills itself in has no place here."""

    def __init__(self, rows: Sequence[models.Model]):
        self.rows, self.fields = rows, _inserted(type(rows[0]))
        self.values = [{field.attname: _converted(field, row) for field in self.fields} for row in rows]

    def insert(self, **late) -> None:
        """Store them and give them their keys. `late` are values of all of them that were not known before."""
        values = [value for each in self.values for value in (each | late).values()]
        with connection.cursor() as cursor:
            cursor.execute(_statement(type(self.rows[0]), len(self.rows)), values)
            keys = cursor.fetchall()
        for row, (key,) in zip(self.rows, keys, strict=True):
            row.pk, row._state.adding, row._state.db = key, False, connection.alias
            for name, value in late.items():
                setattr(row, name, value)


def _converted(field: models.Field, row: models.Model):
    value = getattr(row, field.attname)
    if value is None or type(value) is AS_IT_IS.get(type(field)):
        return value
    return field.get_db_prep_save(field.pre_save(row, add=True), connection)


@functools.cache
def _inserted(model) -> list[models.Field]:
    """The columns that are given a value: neither the key, which the database makes, nor what it derives."""
    return [field for field in model._meta.concrete_fields if not field.primary_key and not field.generated]


@functools.cache
def _statement(model, count: int) -> str:
    name = connection.ops.quote_name
    columns = ", ".join(name(field.column) for field in _inserted(model))
    places = ", ".join([f"({', '.join(['%s'] * len(_inserted(model)))})"] * count)
    key = name(model._meta.pk.column)
    return f"INSERT INTO {name(model._meta.db_table)} ({columns}) VALUES {places} RETURNING {key}"  # noqa: S608
