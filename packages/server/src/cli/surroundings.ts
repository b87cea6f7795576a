/** What a command uses of the process that it runs in. */
export type Surroundings = Pick<
  NodeJS.Process,
  'argv' | 'env' | 'stdin' | 'stdout' | 'stderr' | 'once' | 'umask' | 'cwd'
> & {
  exitCode?: number | string | null | undefined
  exit(code: number): never
}
