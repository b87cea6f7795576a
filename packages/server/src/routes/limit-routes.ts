import type { RouteClass } from '../config/limits.js'
import type { App } from '../http/app.js'

/**
 * Applies the rate limits of one class to every route of a plugin. Call it before adding routes.
 */
export function limitRoutes(app: App, limit: RouteClass): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, limit }
  })
}
