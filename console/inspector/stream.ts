/**
 * The stream: what happens in a system, as frames for all viewers.
 *
 *     turn ─► items ─► tick, for each viewer ─┬─ knows the actor, has room, there is time ─► event, snapshot
 *                                             └─ otherwise ─► the actor is stale for it
 *             tick, when there are no items ─► the newest state of actors that are stale, those above before those below
 *
 * So everybody sees every turn as long as there is time and room; what there is not, is told by the newest states. When a tick
 * has dealt with all items, what is known together with what is stale is the truth: nobody is ever sent an older state after a
 * newer one. Whoever comes late is somebody to whom all actors are stale.
 *
 * It owns the time that all of this may take: a share of the thread's. Frames are made once for all viewers, and none that
 * nobody takes.
 */
import type {
  InspectedActor,
  InspectedSnapshot,
  InspectedTurn,
  InspectionFeed,
  InspectionWatcher,
} from '../../runtime/index.ts';
import type { Admission } from './filter.ts';
import type { Frames } from './frame.ts';
import type { Viewer } from './viewer.ts';

/** How much may happen between two ticks, before it is only marked. */
const MAX_ITEMS = 4096;
/** How long a tick may take. */
const SLICE_MS = 4;
/** How long the end may take. */
const END_MS = 50;
/** The pause when time or room has run out. */
const PAUSE_MS = 20;
/** Time that was not used can be used later: so much of it, as a multiple of a second's share. */
const SAVED_SECONDS = 1;
/** How many actors are looked at in one go for somebody who has just come. */
const LISTED_AT_ONCE = 500;
/** How often viewers are looked at that take nothing. */
const PATIENCE_CHECK_MS = 5000;

type Item =
  | { readonly what: 'turn'; readonly turn: InspectedTurn }
  | { readonly what: 'woke'; readonly actor: InspectedActor; readonly snapshot: InspectedSnapshot }
  | { readonly what: 'left'; readonly actor: InspectedActor };

export class Stream implements InspectionWatcher {
  readonly viewers = new Set<Viewer>();
  readonly #feed: InspectionFeed;
  readonly #frames: Frames;
  readonly #admission: Admission;
  /** The part of the thread's time. */
  readonly #share: number;
  #items: Item[] = [];
  /** The time that may be used; below zero: that was used beyond it. */
  #creditMs: number;
  #creditAt = performance.now();
  #tick: NodeJS.Immediate | undefined;
  #pause: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(feed: InspectionFeed, frames: Frames, admission: Admission, share: number) {
    this.#feed = feed;
    this.#frames = frames;
    this.#admission = admission;
    this.#share = share;
    this.#creditMs = this.#mostCreditMs;
  }

  get #mostCreditMs(): number {
    return this.#share * 1000 * SAVED_SECONDS;
  }

  // ---- who looks ------------------------------------------------------------------------------------------------

  join(viewer: Viewer): void {
    if (this.viewers.size === 0) {
      this.#feed.watch(this);
      this.#patience = setInterval(() => this.#checkPatience(), PATIENCE_CHECK_MS);
      this.#patience.unref();
    }
    this.viewers.add(viewer);
    viewer.listing = this.#feed.actors()[Symbol.iterator]();
    this.#arm();
  }

  leave(viewer: Viewer): void {
    this.viewers.delete(viewer);
    if (this.viewers.size === 0) this.#rest();
  }

  /** Sends what has happened already, as far as there is room, and ends. */
  end(): void {
    for (const viewer of this.viewers) viewer.listing = undefined;
    this.#settle(END_MS);
    for (const viewer of this.viewers) viewer.flush();
    this.viewers.clear();
    this.#rest();
  }

  /** Nobody looks: nothing is done. */
  #rest(): void {
    this.#feed.watch(undefined);
    clearImmediate(this.#tick);
    clearTimeout(this.#pause);
    clearInterval(this.#patience);
    this.#tick = this.#pause = undefined;
    this.#items = [];
  }

  #checkPatience(): void {
    const now = performance.now();
    for (const viewer of this.viewers) viewer.checkPatience(now);
  }

  // ---- what happens ---------------------------------------------------------------------------------------------

  turn(turn: InspectedTurn): void {
    if (this.#admission.admits(turn.actor) && !this.#isStaleForAll(turn.actor))
      this.#add({ what: 'turn', turn });
  }

  /** Under load most are: then a turn is not worth an item. What is stale now will be until all items are dealt with. */
  #isStaleForAll(actor: InspectedActor): boolean {
    for (const viewer of this.viewers) if (!viewer.isStale(actor)) return false;
    for (const viewer of this.viewers) viewer.missed++;
    return true;
  }

  woke(actor: InspectedActor): void {
    if (this.#admission.admits(actor)) this.#add({ what: 'woke', actor, snapshot: actor.snapshot });
  }

  left(actor: InspectedActor): void {
    if (this.#admission.admits(actor)) this.#add({ what: 'left', actor });
  }

  #add(item: Item): void {
    if (this.#items.length >= MAX_ITEMS) this.#settle(0);
    this.#items.push(item);
    this.#arm();
  }

  /** The next tick: soon, or after a pause when the time is used up. */
  #arm(): void {
    if (this.#tick !== undefined || this.#pause !== undefined) return;
    if (!this.#isOverdrawn) this.#tick = setImmediate(() => this.#run());
    else this.#pause = setTimeout(() => this.#run(), PAUSE_MS);
  }

  get #isOverdrawn(): boolean {
    const now = performance.now();
    this.#creditMs = Math.min(this.#mostCreditMs, this.#creditMs + (now - this.#creditAt) * this.#share);
    this.#creditAt = now;
    return this.#creditMs <= 0;
  }

  #run(): void {
    this.#tick = this.#pause = undefined;
    const startedAt = performance.now();
    const until = startedAt + (this.#isOverdrawn ? 0 : SLICE_MS);
    this.#deal(until);
    const isCaughtUp = this.#items.length === 0;
    // The newest states are those after all that has happened: only now can they be sent.
    if (isCaughtUp) this.#refresh(until);
    for (const viewer of this.viewers) viewer.flush();
    this.#creditMs -= performance.now() - startedAt;
    if (!isCaughtUp) return this.#arm();
    const behind = [...this.viewers].filter(({ isBehind }) => isBehind);
    if (behind.some(({ hasRoom }) => hasRoom)) this.#arm();
    else if (behind.length > 0) this.#pause ??= setTimeout(() => this.#run(), PAUSE_MS);
  }

  /** Deals with all items, showing turns one by one only for so long. */
  #settle(ms: number): void {
    const startedAt = performance.now();
    this.#deal(startedAt + ms, true);
    if (ms > 0) this.#refresh(startedAt + ms);
    this.#creditMs -= performance.now() - startedAt;
  }

  /** @param isLast whether what there is no time for is marked; otherwise it waits for the next tick, if there is time then */
  #deal(until: number, isLast = this.#creditMs <= 0): void {
    const items = this.#items;
    let dealt = 0;
    let hasTime = true;
    while (dealt < items.length) {
      hasTime &&= performance.now() < until;
      if (!hasTime && !isLast) break;
      this.#show(items[dealt++]!, hasTime);
    }
    this.#items = dealt === items.length ? [] : items.slice(dealt);
  }

  #show(item: Item, hasTime: boolean): void {
    if (item.what === 'turn') return this.#showTurn(item.turn, hasTime);
    for (const viewer of this.viewers) viewer[item.what](item.actor);
    if (item.what === 'woke') this.#introduce(item.actor, item.snapshot, hasTime);
  }

  #showTurn(turn: InspectedTurn, hasTime: boolean): void {
    const { actor, event, sourceId, snapshot, isBirth } = turn;
    if (isBirth) this.#introduce(actor, snapshot, hasTime);
    let frames: readonly [event: Buffer, snapshot: Buffer] | undefined;
    for (const viewer of this.viewers) {
      if (!hasTime || !viewer.hasRoom || !viewer.knows(actor)) viewer.mark(actor);
      if (viewer.isStale(actor)) {
        viewer.missed++;
        continue;
      }
      frames ??= [this.#frames.event(actor, event, sourceId), this.#frames.snapshot(actor, snapshot, event)];
      viewer.send(frames[0]);
      viewer.send(frames[1]);
    }
  }

  /** Shows an actor that is new in memory. Whoever does not know its parent yet is shown both later. */
  #introduce(actor: InspectedActor, snapshot: InspectedSnapshot, hasTime: boolean): void {
    const parent = this.#parentOf(actor);
    let frame: Buffer | undefined;
    for (const viewer of this.viewers) {
      const isInOrder = parent === undefined || viewer.knows(parent);
      if (!hasTime || !viewer.hasRoom || !isInOrder) viewer.mark(actor);
      else viewer.show(actor, (frame ??= this.#frames.actor(actor, snapshot, this.#admission.isTop(actor))));
    }
  }

  /** Whoever is above an actor, if that is in memory, and shown too. */
  #parentOf(actor: InspectedActor): InspectedActor | undefined {
    return this.#admission.isTop(actor) ? undefined : this.#feed.parentOf(actor);
  }

  // ---- the newest states ----------------------------------------------------------------------------------------

  /** Sends newest states to viewers that are behind, in turns. */
  #refresh(until: number): void {
    let behind = [...this.viewers];
    while (behind.length > 0 && performance.now() < until) {
      behind = behind.filter((viewer) => viewer.hasRoom && this.#refreshOne(viewer));
    }
  }

  /** Returns whether there may be more. */
  #refreshOne(viewer: Viewer): boolean {
    const actor = viewer.next();
    if (actor !== undefined) this.#showNewest(viewer, actor);
    else if (viewer.listing === undefined) return false;
    else this.#list(viewer, viewer.listing);
    return true;
  }

  #showNewest(viewer: Viewer, actor: InspectedActor): void {
    if (viewer.knows(actor)) return viewer.show(actor, this.#frames.snapshot(actor, actor.snapshot));
    const parent = this.#parentOf(actor);
    if (parent !== undefined && !viewer.knows(parent)) this.#showNewest(viewer, parent);
    viewer.show(actor, this.#frames.actor(actor, actor.snapshot, this.#admission.isTop(actor)));
  }

  /** Marks more of the actors that somebody who has just come does not know. */
  #list(viewer: Viewer, listing: Iterator<InspectedActor>): void {
    for (let left = LISTED_AT_ONCE; left > 0; left--) {
      const { done, value: actor } = listing.next();
      if (done === true) {
        viewer.listing = undefined;
        return;
      }
      if (this.#admission.admits(actor) && !viewer.knows(actor)) viewer.mark(actor);
    }
  }
}
