export {
  type Configuration,
  ConfigurationError,
  type ConfigurationProblem,
  type DatabaseConfiguration,
  type Environment,
  readConfiguration,
} from './config/configuration.js'
export { createServer, type Server } from './server.js'
export type { Service, ServiceParts } from './service.js'
export { StartupFailure, type StartupFailureCode } from './startup-failure.js'
