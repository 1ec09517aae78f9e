import type pg from 'pg';
import type { Position } from '../change/position.ts';
import type { FailPoint } from '../failpoint.ts';
import type { Random } from './random.ts';
import type { PlannedKill } from './kill.ts';
import type { Moment } from './moment.ts';
import type { CaptureName } from './names.ts';

/**
 * What the replica's audit is judged by. `transactions`: every transaction of the source is applied once, whole, as it was. `states`: every
 * transaction of the target brings the replica from one state of the source to a later one; rows that it has already may be written again.
 */
export type Tells = 'transactions' | 'states';

/** A way to capture, as it is tortured. Chosen once; nothing else asks which one it is. */
export interface CaptureProfile {
  readonly name: CaptureName;
  /** Settings of the source's connector file, besides where it connects to and where it sends. */
  readonly settings: Readonly<Record<string, string>>;
  /** True when the workload has DDL, and the replica's catalog must follow it in order. */
  readonly replaysDdl: boolean;
  readonly tells: Tells;
  /** Moments that a run must have hit. */
  readonly moments: readonly Moment[];
  /** Fail points of the very first start, in the order in which it comes to them, besides those that all have. */
  readonly firstPoints: readonly FailPoint[];
  /** Fail points of every start, besides those that all have. */
  readonly startPoints: readonly FailPoint[];
  /** Fail points that are passed only until the first copy is consistent. */
  readonly copyPoints: readonly FailPoint[];
  /** Those that are passed afterwards. */
  readonly streamPoints: readonly FailPoint[];
  /** A fail point of the stream, but for those of a start and of the sink, is passed about so often in a second. */
  readonly passages: number;

  /** Makes what the source has to have besides the tables; `client` owns them. */
  prepare(client: pg.ClientBase): Promise<void>;

  /** How many kills the first copy has to have. */
  readonly leastCopyKills: number;

  /** So many kills for while the first copy is made, in the order in which they can be met. */
  planCopyKills(count: number, random: Random): PlannedKill[];

  /** How far the source may forget, as the server has noted it; undefined where it notes nothing. */
  acknowledged(client: pg.ClientBase): Promise<Position | undefined>;
}
