"""Opens the pages, and the metrics where they have a listener of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from mailer.config.model import Config, Web
from mailer.intake.delivery import Intake, Secrets
from mailer.intake.person import PersonChanges
from mailer.log.counting import Counting, troubles_counted
from mailer.message.render import Renderer
from mailer.sockets import Binding, bound
from mailer.store.engine import Store
from mailer.web.health import Health
from mailer.web.meter import Meter
from mailer.web.routes import NO_ANNEX, Annex, application, metrics_alone
from mailer.web.seal import Seal
from mailer.web.server import Serving, serve
from mailer.web.site import Site
from scheduler.clock import Clock


@contextlib.asynccontextmanager
async def open_pages(
    config: Config,
    settings: Web,
    *,
    store: Store,
    intake: Intake,
    person_changes: PersonChanges,
    secrets: Secrets,
    renderer: Renderer,
    clock: Clock,
    counting: Counting,
    listening: Callable[[], dict[str, bool]],
    concerned: Callable[[int], None],
    annex: Callable[[Site], Annex] = lambda _: NO_ANNEX,
    binding: Binding = bound,
) -> AsyncIterator[tuple[Serving, ...]]:
    """Serve the pages while the block runs; ``listening`` says of each other listener whether it
    accepts, ``annex`` makes the pages beside these. OSError where nobody can listen."""
    now = asyncio.get_running_loop().time
    meter = Meter()
    health = Health(store, clock, listening=listening, counting=counting, meter=meter, now=now)
    site = Site(
        config=config,
        settings=settings,
        store=store,
        intake=intake,
        person_changes=person_changes,
        secrets=secrets,
        renderer=renderer,
        clock=clock,
        seal=Seal(secrets.hash_key, clock),
        meter=meter,
        concerned=concerned,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(troubles_counted(counting))
        pages = await stack.enter_async_context(
            serve(
                application(site, health, now=now, annex=annex(site)),
                settings.listen,
                name="web",
                binding=binding,
            )
        )
        if settings.metrics_listen is None:
            yield (pages,)
            return
        apart = metrics_alone(health, meter, now=now)
        metrics = await stack.enter_async_context(
            serve(apart, settings.metrics_listen, name="metrics", binding=binding)
        )
        yield (pages, metrics)
