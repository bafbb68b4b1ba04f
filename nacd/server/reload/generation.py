"""Everything that one configuration decides with, as one value.

Knows: how the spine of a configuration is put together. Refuses to know: which generation is in force (``in_force``),
and what outlives them all: dedup, sessions, verdicts, the gate's memory.

A generation is never changed. What is to be new with a reload hangs on it; whoever works on a request holds the one
that was in force when the request was received, and asks no other. It lives for as long as somebody holds it: a request
that is worked on, or an EAP conversation.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from nacd.admit import Marks
from nacd.authorize import Authorizer
from nacd.eap.conversation import Ongoing
from nacd.eap.conversations import Conversations
from nacd.radius.clients import ClientTable
from nacd.radius.dictionary import Dictionary
from nacd.server.assembly import Assembled
from nacd.server.mab.building import guard
from nacd.server.promises.profiles import reach
from nacd.server.reload.outcomes import Outcome
from nacd.session.familiar import Familiar
from nacd.session.overrides import Orders
from nacd.values import NO_SECRET, Secret
from nacd.vendor.dynauth import marks_voice
from nacd.vendor.dynauth_model import ClassUse


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Generation:
    """One configuration at work. number: 1 for the one that nacd was started with.

    table, dictionary: of ``assembled``, for the path of a request. outcomes: what it has answered, for whoever measures
    it; the only thing in it that grows, and emptied each second.
    """

    number: int
    assembled: Assembled
    table: ClientTable
    dictionary: Dictionary
    authorizer: Authorizer
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def policy_digest(self) -> str:
        """Of the policy that it decides by."""
        return self.assembled.loaded.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all generations of one daemon have in common.

    chargeable: the site's key. orders: what people have ordered above the policy. random: that many octets.
    familiar: whoever may come again.
    """

    ongoing: Ongoing
    random: Callable[[int], bytes]
    chargeable: Secret = NO_SECRET
    orders: Orders = field(default_factory=Orders)
    familiar: Familiar = field(default_factory=Familiar)


def build(assembled: Assembled, shared: Shared, number: int = 1) -> Generation:
    """Put together; nothing decides by it yet. May run in a thread."""
    eap = assembled.eap
    conversations = None
    if eap is not None:
        conversations = Conversations(eap.context, eap.options, shared.random, ongoing=shared.ongoing)
    authorizer = Authorizer(
        conversations=conversations,
        identity_rules=assembled.identity_rules,
        policy=assembled.loaded.policy,
        rendered=assembled.rendered,
        chargeable_key=shared.chargeable,
        graph_tenants=assembled.graph_tenants,
        orders=shared.orders,
        managed=guard(assembled, shared.orders),
        marks=marks(assembled),
        token=shared.random,
        reach=reach(assembled.loaded),
        familiar=shared.familiar,
    )
    made = Generation(
        number=number,
        assembled=assembled,
        table=assembled.table,
        dictionary=assembled.dictionary,
        authorizer=authorizer,
    )
    if conversations is not None:
        # What begins belongs to it and keeps it alive; that it could begin something does not.
        conversations.owner = weakref.ref(made)
    return made


def marks(assembled: Assembled) -> Marks:
    """What the vendors of this configuration make of Class, and which of its profiles let a phone in."""
    known = assembled.dynauths
    return Marks(
        tokens=frozenset(name for name, each in known.items() if each.class_use is ClassUse.FREE),
        voice=frozenset(
            (profile, vendor)
            for (profile, vendor), rendered in assembled.rendered.items()
            if vendor in known and marks_voice(known[vendor], rendered.attributes)
        ),
    )
