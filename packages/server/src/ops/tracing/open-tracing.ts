import { OpenTelemetryTracing } from './open-telemetry-tracing.js'
import { noTracing, type Tracing } from './tracing.js'

/**
 * Returns tracing by OpenTelemetry if `@opentelemetry/api` is installed. An SDK that was set up
 * before the server receives the spans.
 */
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
