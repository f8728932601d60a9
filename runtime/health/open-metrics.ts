/**
 * OpenMetrics: a reading as the text that scrapers take (OpenMetrics 1.0, which Prometheus reads).
 *
 * Base units, as the standard wants them: seconds and bytes. The number of series is bounded: no label is per actor, only
 * the name (`order`) of whoever has the fullest mailbox is told. It opens no port: serve the text under
 * {@link OPEN_METRICS_TYPE}, wherever you like.
 */
import { InvalidArgument } from '../errors.ts';
import { segmentsOf } from '../kernel/address.ts';
import type { HistogramReading, MetricsReading } from './reading.ts';

/** The content type of the text. */
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export interface OpenMetricsOptions {
  /** Labels for every sample: they tell the systems of one process apart. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * The reading as OpenMetrics text.
 * @throws InvalidArgument for a label that cannot be one
 */
export function openMetrics(reading: MetricsReading, { labels = {} }: OpenMetricsOptions = {}): string {
  const text = new Exposition(checkedLabels(labels));
  const { refused, deadLetters, processes, actors, mailboxes, ledger, eventLoopDelayMs, memory } = reading;
  const { deepest } = mailboxes;

  text.gauge('uptime_seconds', 'How long ago the system was opened.', seconds(reading.uptimeMs));
  text.counter('turns', 'Events that were taken, and are on the disk.', reading.turns);
  text.counter('commits', 'Batches that are on the disk.', reading.commits);
  text.counter('commit_bytes', 'What was in the batches.', reading.commitBytes);
  text.histogram(
    'commit_seconds',
    'From the start of a batch until it is on the disk.',
    reading.commitMs,
    seconds,
  );
  text.histogram('turns_per_commit', 'How many turns one sync has paid for.', reading.turnsPerCommit);
  text.counters(
    'events_refused',
    'Events that were refused, by the tag of their error.',
    'tag',
    refused.byTag,
  );
  text.counter('failed_steps', 'Steps that threw or broke a rule.', reading.failedSteps);
  text.counter('crashes', 'How often an actor failed.', reading.crashes);
  text.counter('restarts', 'How often an actor was restarted.', reading.restarts);
  text.counters('dead_letters', 'Dead letters, by what could not be done.', 'reason', {
    step: deadLetters.steps,
    action: deadLetters.actions,
  });
  text.counter('fences', 'Writes that failed.', reading.fences);
  text.gauge('fenced', 'Whether a write has failed and the store is not proven yet.', reading.fenced ? 1 : 0);
  text.gauge('processes_running', 'Processes that run.', processes.running);
  text.counter('processes_started', 'Attempts of processes that were begun.', processes.started);
  text.counter('processes_retried', 'Attempts that failed and were to be tried again.', processes.retried);
  text.counter('processes_failed', 'Processes that failed for good.', processes.failed);
  text.counter('processes_timed_out', 'Attempts that took too long.', processes.timedOut);
  text.gauge('actors_in_memory', 'Actors in memory.', actors.inMemory);
  text.gauge('actors_refused', 'Actors that cannot be loaded.', actors.refused);
  text.gauge('mailbox_waiting', 'Messages that wait, in all mailboxes.', mailboxes.waiting);
  text.gauge(
    'mailbox_deepest',
    'Messages that wait in the fullest mailbox, and the name of whose it is.',
    deepest?.depth ?? 0,
    deepest === undefined ? {} : { name: segmentsOf(deepest.address)[0]! },
  );
  text.gauge('queued', 'Places in the run queue that are taken.', reading.queued);
  text.gauge('undurable_turns', 'Turns that were taken and are not on the disk yet.', reading.undurable);
  text.gauge('owed_effects', 'Actions and emitted events that are owed.', reading.owed);
  text.gauge('actions_running', 'Asynchronous actions under way.', reading.actionsRunning);
  text.gauge('timers', 'Timers and wake-ups that are set.', reading.timers);
  text.gauge('ledger_frames', 'The number of the frame that is being filled.', ledger.frame);
  text.gauge('ledger_lag_frames', 'How many frames a recovery would read.', ledger.lagFrames);
  text.gauge('ledger_lag_bytes', 'Written since the checkpoint that lies farthest behind.', ledger.lagBytes);
  text.gauge('ledger_pending_bytes', 'The size of the commit that is being filled.', ledger.pendingBytes);
  if (eventLoopDelayMs.count > 0) {
    text.summary('event_loop_delay_seconds', 'How late the event loop was, in the last minute or two.', {
      '0.5': seconds(eventLoopDelayMs.p50),
      '0.99': seconds(eventLoopDelayMs.p99),
      '1.0': seconds(eventLoopDelayMs.max),
    });
  }
  text.gauge('memory_rss_bytes', 'Memory of the process.', memory.rssBytes);
  text.gauge('memory_heap_used_bytes', 'Objects on the heap.', memory.heapUsedBytes);
  text.gauge('memory_heap_total_bytes', 'The size of the heap.', memory.heapTotalBytes);
  text.gauge('memory_external_bytes', 'Memory bound to objects outside of the heap.', memory.externalBytes);
  text.gauge('memory_array_buffers_bytes', 'Buffers; a part of the external.', memory.arrayBuffersBytes);
  return text.end();
}

type Labels = Readonly<Record<string, string>>;

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** The labels that samples have themselves. */
const OWN_LABELS: ReadonlySet<string> = new Set(['le', 'quantile', 'tag', 'reason', 'name']);

function checkedLabels(labels: Labels): Labels {
  for (const [name, value] of Object.entries(labels)) {
    const path = `labels[${JSON.stringify(name)}]`;
    if (!LABEL_NAME.test(name) || name.startsWith('__'))
      throw new InvalidArgument(
        path,
        'is not a label: letters, digits and _, and neither a digit nor __ first',
      );
    if (OWN_LABELS.has(name)) throw new InvalidArgument(path, 'is a label that samples have themselves');
    if (typeof value !== 'string') throw new InvalidArgument(path, 'must be a string');
  }
  return labels;
}

/** The units a name may end in. The standard wants them told. */
const UNIT = /_(?<unit>seconds|bytes|frames)$/;

/** The text as it grows: one family of samples after the other, each with its head. */
class Exposition {
  readonly #labels: Labels;
  #text = '';

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  gauge(name: string, help: string, value: number, labels: Labels = {}): void {
    const family = this.#family(name, 'gauge', help);
    this.#sample(family, labels, value);
  }

  counter(name: string, help: string, value: number): void {
    const family = this.#family(name, 'counter', help);
    this.#sample(`${family}_total`, {}, value);
  }

  /** A counter for each value of a label. */
  counters(name: string, help: string, label: string, values: Readonly<Record<string, number>>): void {
    const family = this.#family(name, 'counter', help);
    for (const [key, value] of Object.entries(values))
      this.#sample(`${family}_total`, { [label]: key }, value);
  }

  histogram(
    name: string,
    help: string,
    { buckets, count, sum }: HistogramReading,
    inUnit: (value: number) => number = (value) => value,
  ): void {
    const family = this.#family(name, 'histogram', help);
    for (const [atMost, upTo] of buckets)
      this.#sample(`${family}_bucket`, { le: float(inUnit(atMost)) }, upTo);
    this.#sample(`${family}_bucket`, { le: '+Inf' }, count);
    this.#sample(`${family}_sum`, {}, inUnit(sum));
    this.#sample(`${family}_count`, {}, count);
  }

  summary(name: string, help: string, quantiles: Readonly<Record<string, number>>): void {
    const family = this.#family(name, 'summary', help);
    for (const [quantile, value] of Object.entries(quantiles)) this.#sample(family, { quantile }, value);
  }

  end(): string {
    return `${this.#text}# EOF\n`;
  }

  #family(name: string, type: string, help: string): string {
    const family = `heddle_${name}`;
    const unit = UNIT.exec(family)?.groups?.['unit'];
    this.#text += `# TYPE ${family} ${type}\n`;
    if (unit !== undefined) this.#text += `# UNIT ${family} ${unit}\n`;
    this.#text += `# HELP ${family} ${escaped(help)}\n`;
    return family;
  }

  #sample(name: string, labels: Labels, value: number): void {
    const all = Object.entries({ ...this.#labels, ...labels });
    const told = all.map(([label, text]) => `${label}="${escaped(text)}"`).join(',');
    this.#text += `${name}${told === '' ? '' : `{${told}}`} ${number(value)}\n`;
  }
}

/** What the standard wants escaped within quotes. A lone surrogate has no bytes in UTF-8, and would be replaced anyway. */
function escaped(text: string): string {
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** A bound, as every exposer should write it, because it is compared as text: `1.0`, `0.25`, `2.5e-05`. */
function float(value: number): string {
  if (Number.isInteger(value)) return value.toFixed(1);
  if (value >= 1e-4) return String(value);
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

/** Seconds, without the digits that dividing by a thousand makes up. */
function seconds(ms: number): number {
  return Number((ms / 1000).toPrecision(15));
}
