/** What the page reads of the REST API's answers (`GET /connectors?expand=info&expand=status`, `/health`, `/`). */

export type ConnectState = 'UNASSIGNED' | 'RUNNING' | 'RESTARTING' | 'FAILED' | 'PAUSED' | 'STOPPED';

export interface Connector {
  readonly info: {
    readonly name: string;
    readonly type: 'source' | 'sink' | 'unknown';
    readonly config: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly connector: { readonly state: ConnectState; readonly trace?: string };
    readonly rowcast: Details;
  };
}

export interface Details {
  readonly file: string;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly state?: string;
  readonly stage?: { readonly name: string; readonly since: number; readonly is_waiting: boolean };
  readonly failure?: { readonly message: string; readonly advice?: string };
  readonly position?: string | null;
  readonly committed_at?: number | null;
  readonly snapshot?: Copy | null;
  readonly lag_ms?: number | null;
  readonly counters?: Readonly<Record<string, number>>;
}

export interface Copy {
  readonly tables: number;
  readonly tables_done: number;
  readonly rows: number;
  readonly percent: number | null;
  readonly seconds_left: number | null;
  readonly table?: string;
}

export type Connectors = Readonly<Record<string, Connector>>;

export interface Health {
  readonly status: 'starting' | 'healthy' | 'degraded' | 'unhealthy';
  readonly message: string;
}
