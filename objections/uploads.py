"""Reading a post with files: to disk piece by piece, and never more of a file than an attachment may have."""

import contextlib
import io
import tempfile

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import UnreadablePostError

from notices.attachments import MAX_BODY, MAX_FILE, MAX_FILES, MEGABYTE


def read_post(request) -> bool:
    """Read the whole post; False when it is so large that it is not read."""
    request.upload_handlers = [BoundedUploadHandler(request)]
    try:
        _ = request.POST
        return True
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        _pour_away(request)
        return False


def _pour_away(request) -> None:
    """Take what still comes: a browser that is answered while it sends shows an error of its own."""
    with contextlib.suppress(UnreadablePostError):
        for _ in range(4 * MAX_BODY // MEGABYTE):
            if not request.read(MEGABYTE):
                return


class BoundedUploadHandler(FileUploadHandler):
    """What is over the limits of a file or of their number is thrown away as it comes.

    Every file keeps its name and its true size, so that the form can say what was wrong with it, and what was
    typed beside it is not lost.
    """

    number = 0
    lost = False

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        if content_length > MAX_BODY:
            raise RequestDataTooBig(content_length)

    def new_file(self, *arguments, **options):
        super().new_file(*arguments, **options)
        self.number += 1
        self.lost = False
        self.current = self._nothing()
        if self.number <= MAX_FILES:
            with self._or_lost():
                file = tempfile.TemporaryFile()  # noqa: SIM115 – without a name, so it is gone with its process
                self.current = self._kept_in(file)

    def _nothing(self):
        return self._kept_in(io.BytesIO())

    def _kept_in(self, file):
        return UploadedFile(file, self.file_name, self.content_type, 0, self.charset, self.content_type_extra)

    @contextlib.contextmanager
    def _or_lost(self):
        """A temporary folder that is full takes the file, not what was typed beside it."""
        try:
            yield
        except OSError:
            with contextlib.suppress(OSError):
                self.current.close()
            self.current, self.lost = self._nothing(), True

    def receive_data_chunk(self, raw_data, start):
        if self.number <= MAX_FILES and start < MAX_FILE and not self.lost:
            with self._or_lost():
                self.current.write(raw_data)

    def file_complete(self, file_size):
        with self._or_lost():
            self.current.seek(0)
        self.current.size, self.current.lost = file_size, self.lost
        return self.current
