import type { FastifyRequest } from 'fastify'
import type { App } from '../../http/app.js'
import type { Metrics } from '../../ops/metrics.js'
import type { Readiness } from '../../ops/readiness.js'
import { addDocs } from './docs.js'
import { addLivez } from './livez.js'
import { addMetrics } from './metrics.js'
import { addOpenapi } from './openapi.js'
import { addReadyz } from './readyz.js'

export interface OpsDependencies {
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly mayReadMetrics: (request: FastifyRequest) => boolean
}

/** The routes for operators: probes, metrics and the API reference. */
export async function opsRoutes(app: App, dependencies: OpsDependencies): Promise<void> {
  const { readiness, metrics, mayReadMetrics } = dependencies
  addLivez(app)
  addReadyz(app, readiness)
  addMetrics(app, metrics, mayReadMetrics)
  addOpenapi(app)
  addDocs(app)
}
