/**
 * The exit codes of commands. They are never renumbered, because scripts and supervisors use them.
 */
export const exitCodes = {
  /** Done. */
  done: 0,
  /** The command failed or found a fault; standard error has a code and a message. */
  failed: 1,
  /** The arguments are wrong, or a confirmation is missing; nothing was done. */
  usage: 2,
  /**
   * EX_CONFIG of sysexits.h: the environment cannot be used, and the same start will fail again.
   */
  configuration: 78,
  /** Stopped by SIGINT or SIGTERM; the same command goes on from there. */
  interrupted: 130,
} as const
