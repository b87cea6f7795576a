/** The types and the code of an entry point for one module system. */
export interface ConditionalTarget {
  readonly types: string
  readonly default: string
}

/** A complete target of `exports`. */
export interface Target {
  readonly import: ConditionalTarget
  readonly require: ConditionalTarget
}

/** The fields of a package.json that are read and written. */
export interface Manifest {
  readonly main?: string
  readonly types?: string
  readonly exports: Readonly<Record<string, string | Target>>
  readonly typesVersions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

export interface Entry {
  /** As in `exports`: `.` or `./koa`. */
  readonly subpath: string
  /** The path of the source below `src/`, without suffix. */
  readonly entry: string
}

export function entriesOf(manifest: Pick<Manifest, 'exports'>): Entry[]
export function completeManifest(manifest: Manifest): Manifest
