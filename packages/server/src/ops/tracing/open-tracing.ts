import { OpenTelemetryTracing } from './open-telemetry-tracing.js'
import { noTracing, type Tracing } from './tracing.js'

/** Spans of OpenTelemetry where `@opentelemetry/api` is installed; who sets up an SDK for it, before the server, receives them. */
export async function openTracing(): Promise<Tracing> {
  try {
    return new OpenTelemetryTracing(await import('@opentelemetry/api'))
  } catch (error) {
    if (isMissing(error)) return noTracing
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
