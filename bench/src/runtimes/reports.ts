/** The figures of `npm run bench --json` that the table shows. */
export interface VerificationReport {
  readonly machine: { readonly node: string }
  readonly sections: readonly {
    readonly title: string
    readonly rows: readonly {
      readonly name: string
      /** Nanoseconds. */
      readonly timing: { readonly median: number }
      /** The time divided by Latchkey's of the same round; median. */
      readonly ratio: number
    }[]
  }[]
}

/** The figures of `npm run bench:http --json` that the table shows. */
export interface HttpReport {
  readonly machine: { readonly node: string }
  readonly routes: readonly {
    readonly framework: string
    readonly route: string
    readonly requestsPerSecond: number
    /** The share of the open route's requests per second in the same round; median. */
    readonly throughputRatio: number
  }[]
}

/** The figures of one version of Node. */
export interface RuntimeReport {
  readonly node: string
  readonly verification: VerificationReport
  readonly http: HttpReport
}
