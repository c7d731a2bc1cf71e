"""Fields of an objection, and of what hangs on it, as ciphertext under the objection's own key."""

from notices.encryption import UNREADABLE, Ciphertext, EncryptedTextField, Unreadable, UnreadableField

from .keyring import Destroyed, Lost, ring


class Erased(Unreadable):
    """Stands for what was deleted when its time was over."""

    __slots__ = ()


ERASED = Erased("（已按期删除）")
STORED_ERASED = "erased"  # what the column holds then: no ciphertext looks like it


class Unsealed(Exception):
    """Plain text on its way into a sealed column, which does not know the key: seal it first (Objection.seal)."""


def impersonal(prefix: str = "") -> list[str]:
    """The fields of an objection that tell who said what; `prefix` leads to it from another model."""
    return [prefix + name for name in ("name", "phone", "email", "content", "decline_reason", "reply", "hold_reason")]


def seal(value: str, key: str) -> str:
    """`value` as it is stored, under the key of that name; "" and what is sealed already stay as they are."""
    return value if not value or isinstance(value, Ciphertext | Unreadable) else Ciphertext(ring.seal(value, key))


class SealedTextField(EncryptedTextField):
    """Text under the key that its row names as `data_key`. The ciphertext names the key too, so reading needs no row.

    Saving a row seals by itself; `update()` sees no row, so there the value is sealed before: `objection.seal(text)`.
    """

    def pre_save(self, model_instance, add):
        return seal(super().pre_save(model_instance, add), model_instance.data_key)

    def get_prep_value(self, value):
        if isinstance(value, Erased):
            return STORED_ERASED
        if isinstance(value, Unreadable):
            raise UnreadableField(f"{self.model.__name__}.{self.name}")
        if value and not isinstance(value, Ciphertext):
            raise Unsealed(f"{self.model.__name__}.{self.name}")
        return value and str(value)

    def from_db_value(self, value, expression, connection):
        if not value:
            return value
        if value == STORED_ERASED:
            return ERASED
        try:
            return ring.read(value)
        except Destroyed:
            return ERASED
        except Lost:
            return UNREADABLE


class OfObjection:
    """What hangs on an objection is sealed with the objection's key."""

    @property
    def data_key(self) -> str:
        return self.objection.data_key
