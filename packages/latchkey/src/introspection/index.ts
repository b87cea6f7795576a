export { introspection } from './introspection.js'
export type {
  BearerCredentials,
  ClientCredentials,
  IntrospectionLimits,
  IntrospectionOptions,
} from './introspection-options.js'
