import type { onRequestHookHandler, preHandlerHookHandler } from 'fastify'
import type { App } from '../../http/app.js'

/**
 * Runs these guards of a route again when the body of a request has arrived. They run before it as
 * well, so that the body of a stranger is never read; but the sender decides when a body ends, and
 * a right that has ended meanwhile does not count. Routes without such a guard, and routes whose
 * requests have no body, stay as they are.
 */
export function guardAgain(app: App, guards: readonly onRequestHookHandler[]): void {
  app.addHook('onRoute', (route) => {
    const hooks = [route.onRequest ?? []].flat()
    const again = guards.filter((guard) => hooks.includes(guard)) as readonly preHandlerHookHandler[]
    // Fastify calls the handlers of these without waiting for a body.
    const isBodyless = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD')
    // Last, because limits that are counted before may wait as well.
    if (again.length > 0 && !isBodyless) route.preHandler = [...[route.preHandler ?? []].flat(), ...again]
  })
}
