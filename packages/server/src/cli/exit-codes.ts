/** How a command ends. Never renumbered: scripts and supervisors go by it. */
export const exitCodes = {
  /** Done. */
  done: 0,
  /** It failed, or found something wrong; standard error says what, with a code. */
  failed: 1,
  /** The command cannot be meant so, or needs a confirmation; nothing was done. */
  usage: 2,
  /** EX_CONFIG of sysexits.h: the environment cannot be used, and the same start will fail again. */
  configuration: 78,
  /** Told to stop by SIGINT or SIGTERM; what was done until then holds, and the same command goes on from there. */
  interrupted: 130,
} as const
