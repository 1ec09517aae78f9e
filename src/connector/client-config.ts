/** TLS as PEM texts (files are read when the configuration is). */
export interface TlsConfig {
  /** Authorities to trust; undefined: the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  /** False when `ssl.endpoint.identification.algorithm` is empty: the host's name is not compared. */
  readonly verifyHostname: boolean;
}

/** An external schema registry. `urls` are tried in turn, and hold no credentials. */
export interface RegistryClientConfig {
  readonly urls: readonly string[];
  /** `user:password` */
  readonly basicAuth: string | undefined;
  readonly tls: TlsConfig | undefined;
}
