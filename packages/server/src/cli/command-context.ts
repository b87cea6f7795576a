/** The parts of the process that a command uses. */
export type CommandContext = Pick<
  NodeJS.Process,
  'argv' | 'env' | 'stdin' | 'stdout' | 'stderr' | 'once' | 'umask' | 'cwd'
> & {
  exitCode?: number | string | null | undefined
  exit(code: number): never
}
