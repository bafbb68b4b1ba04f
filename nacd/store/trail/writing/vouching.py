"""Who vouches for the trail: the key that signs, the anchors file, the head.

Knows: what is done with a checkpoint once the disk has it, and what to say when that fails. Refuses to know: how a
record is written.

``vouch`` is called in the thread that waits for the disk, everything else by the writer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nacd.audit.chain import checkpoints, events
from nacd.errors import AuditRefused
from nacd.store.trail.writing import head as heads
from nacd.store.trail.writing.anchors import Anchors
from nacd.store.trail.writing.head import Head
from nacd.store.trail.writing.opening import words
from nacd.store.trail.writing.options import Options
from nacd.store.trail.writing.signing import SigningKey
from nacd.values import AuditEvent, Secret


class Vouching:
    """For one trail."""

    def __init__(self, options: Options, *, hand_over: bool) -> None:
        """hand_over: what root makes goes to the owner of its folder. Raises AuditRefused for a key that is none."""
        self._folder = options.head
        self._hand_over = hand_over
        self._heard: deque[str] = deque()
        self._anchored: deque[tuple[str, str, int]] = deque()
        self._missed = 0
        self.renew(options)

    def renew(self, options: Options) -> None:
        """Other keys, another anchors file. Raises AuditRefused for a key that is none."""
        self.key, self._old_key = _key("audit.key", options.key), _key("audit.previous_key", options.previous_key)
        self._anchors = Anchors(options.anchors) if options.anchors is not None else None

    def signer_event(self, writer: str, before: str | None, time: str) -> AuditEvent | None:
        """What says that another key signs; None if none does. before: id of the key until now, None: not known."""
        now = self.key.id if self.key else ""
        if now == (before or ""):
            return None
        public = self.key.public_text if self.key else ""
        signature = ""
        if before and self._old_key is not None and self._old_key.id == before:
            text = checkpoints.handover_text(writer=writer, old=before, new=now, public=public, time=time)
            signature = self._old_key.sign(text)
        elif before:
            self._heard.append(f"the audit key {before} is followed by another one and does not vouch for it")
        return events.signer_changed(
            writer=writer, old=before or "", new=now, public=public, signature=signature, time=time
        )

    def checkpoint(self, writer: str, seq: int, link: bytes, time: str) -> AuditEvent:
        """The record that says that the trail stood here. seq, link: of the record before it."""
        text = checkpoints.checkpoint_text(writer=writer, seq=seq, link=link.decode(), time=time)
        key, signature = (self.key.id, self.key.sign(text)) if self.key else ("", "")
        return events.checkpoint(writer=writer, seq=seq, link=link.decode(), key=key, signature=signature, time=time)

    def head(
        self, path: Path, writer: str, seq: int, link: bytes, octets: int, key: str | None, *, ended: bool = False
    ) -> Head | None:
        """The head at this place; None where none is kept. ended: nothing is written behind it."""
        if self._folder is None:
            return None
        return Head(
            writer=writer, seq=seq, link=link.decode(), file=str(path), octets=octets, key=key or "", ended=ended
        )

    def goes_on(self, kept: Head | None) -> None:
        """Say on the disk that the trail goes on behind this head, before anything is written: who finds records behind
        a head that says it has ended must not take them for ours. None where nothing is to be said."""
        if kept is None or not kept.ended or self._folder is None:
            return
        going_on = replace(kept, ended=False)
        self.vouch(going_on, b"", "")
        if heads.read(self._folder) != kept:
            return
        try:  # the disk may be full, and what we write must not pass as a stranger's
            heads.overwrite(self._folder, going_on)
        except OSError as error:
            self._heard.append(f"cannot write `{self._folder / heads.NAME}`: {words(error)}")

    def vouch(self, head: Head | None, checkpoint: bytes, trouble: str) -> None:
        """Anchor the line and replace the head, once the disk has what they speak of. trouble: why it has not."""
        if trouble:
            return
        if checkpoint and self._anchors is not None:
            self._anchor(self._anchors, checkpoint)
        if head is not None and self._folder is not None:
            try:
                heads.write(self._folder, head, hand_over=self._hand_over)
            except OSError as error:
                self._heard.append(f"cannot write `{self._folder / heads.NAME}`: {words(error)}")

    def heard(self) -> Iterator[str]:
        """What people should hear, once."""
        while self._heard:
            yield self._heard.popleft()

    def notes(self, at: float) -> Iterator[AuditEvent]:
        """What there is to record, once."""
        while self._anchored:
            file, why, missed = self._anchored.popleft()
            if why:
                yield events.anchor_failed(file=file, why=why, missed=missed, at=at)
            else:
                yield events.anchor_resumed(file=file, missed=missed, at=at)

    def _anchor(self, anchors: Anchors, checkpoint: bytes) -> None:
        file = str(anchors.path)
        try:
            anchors.add(checkpoint)
        except OSError as error:
            self._missed += 1
            if self._missed == 1:
                self._anchored.append((file, words(error), 1))
            self._heard.append(f"a checkpoint is not anchored in `{file}`: {words(error)}")
        else:
            if self._missed:
                self._anchored.append((file, "", self._missed))
            self._missed = 0


def _key(setting: str, pem: Secret) -> SigningKey | None:
    try:
        return SigningKey(pem) if pem.reveal() else None
    except ValueError as wrong:
        raise AuditRefused(f"cannot use `{setting}`: {wrong}") from None
