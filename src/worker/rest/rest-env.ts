/** What the guards find out about a request, for the routes behind them. */
export type RestEnv = {
  Variables: {
    /** True when the request may see everything: its credentials are right, or none are asked for. */
    isTrusted: boolean;
  };
};
