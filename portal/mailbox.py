"""A mail server's stand-in for trying the portal out: mails land as files in var/mail/ and on the terminal."""

import datetime
import os

from django.core.mail.backends.filebased import EmailBackend
from django.utils import timezone


class FolderBackend(EmailBackend):
    """Writes each mail into EMAIL_FILE_PATH as one .eml file and prints its text to the terminal."""

    def _get_filename(self) -> str:
        if self._fname is None:
            stamp = timezone.now().astimezone(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
            self._fname = os.path.join(self.file_path, f"{stamp}-{os.getpid()}.eml")
        return self._fname

    def write_message(self, message) -> None:
        if self.stream.tell():  # one file a mail, also when the worker sends several over one connection
            self.close()
            self.open()
        self.stream.write(message.message().as_bytes(linesep="\n"))
        print(f"\n── 邮件 → {', '.join(message.to)}\n   {message.subject}\n\n{message.body}\n──", flush=True)

    def close(self) -> None:
        super().close()
        self._fname = None
