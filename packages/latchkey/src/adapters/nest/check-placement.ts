import { type DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core'
import { type Access, accessKey, accessOf, type Decorated, ofController } from './access.js'
import { isAuthGuard } from './auth-guard.js'

// Metadata by which Nest's packages find handlers. No entry point exports these names.
const guards = '__guards__'
const gatewayMessage = 'websockets:message_mapping'
const servicePattern = 'microservices:pattern'
const fieldResolver = 'graphql:resolve_property'
const referenceResolver = 'graphql:resolve_reference'
const graphqlOptions = 'GqlModuleOptions'

const reflector = new Reflector()

/** A method of a class that Nest has found. */
interface Method {
  readonly controller: Decorated
  readonly handler: Decorated
  /** Its name with that of the class, for messages. */
  readonly name: string
  readonly access: Access | undefined
}

/**
 * Throws if a handler stands where no guard would run for it, or a decorator where no handler is.
 * Nest itself would ignore that, and the handler would be open.
 *
 * @param isGlobal Whether handlers without a decorator need a token as well.
 * @throws TypeError that names the handler and the missing decorator
 */
export function checkHandlers(discovery: DiscoveryService, isGlobal: boolean): void {
  for (const controller of classesIn(discovery)) {
    const methods = methodsOf(controller)
    for (const method of methods) checkHandler(method, isGlobal)
    const isRequired = ofController(controller)?.kind === 'required'
    if (isRequired && !methods.some(({ handler }) => hasHandlerMetadata(handler))) {
      throw new TypeError(`${controller.name} has a decorator of latchkey/nest, but no handler that Nest would guard.`)
    }
  }
}

function checkHandler({ controller, handler, name, access }: Method, isGlobal: boolean): void {
  if (access?.kind === 'public') return
  if (reflector.get<Access | undefined>(accessKey, handler) !== undefined && !hasHandlerMetadata(handler)) {
    throw new TypeError(`${name} has a decorator of latchkey/nest, but is no handler: Nest would not check it.`)
  }
  if (!isGlobal && access === undefined) return
  if (has(gatewayMessage, handler) && !isGuarded(controller, handler)) {
    throw new TypeError(
      `${name} is open before Nest 12, whose global guards reach gateways: put @UseGuards(AuthGuard) on its class, or @Public().`,
    )
  }
  if (has(servicePattern, handler)) {
    throw new TypeError(
      `${name} receives messages of a microservice, which carry no HTTP request with a token: put @Public() on it and authenticate its messages yourself.`,
    )
  }
}

/**
 * Throws if a field resolver has a decorator, and the options of GraphQL let no guard run for it.
 *
 * @throws TypeError that names the resolver and the missing option
 */
export function checkFieldResolvers(discovery: DiscoveryService): void {
  if (guardsRunForFields(discovery)) return
  for (const { handler, name, access } of classesIn(discovery).flatMap(methodsOf)) {
    if (access?.kind === 'required' && (has(fieldResolver, handler) || has(referenceResolver, handler))) {
      throw new TypeError(
        `${name} is open, because Nest runs no guard for a field: set fieldResolverEnhancers: ['guards'] in GraphQLModule.`,
      )
    }
  }
}

function guardsRunForFields(discovery: DiscoveryService): boolean {
  const options: unknown[] = discovery
    .getProviders()
    .filter(({ token }) => token === graphqlOptions)
    .map(({ instance }) => instance)
  return options.every((one) => enhancersOf(one).includes('guards'))
}

function enhancersOf(options: unknown): readonly unknown[] {
  const { fieldResolverEnhancers } = (options ?? {}) as { readonly fieldResolverEnhancers?: unknown }
  return Array.isArray(fieldResolverEnhancers) ? fieldResolverEnhancers : []
}

/** Returns the classes of all controllers and providers; factories and values have no handlers. */
function classesIn(discovery: DiscoveryService): readonly Decorated[] {
  const wrappers = [...discovery.getControllers(), ...discovery.getProviders()]
  const classes = wrappers.flatMap(({ isNotMetatype, metatype }) => (isNotMetatype || !metatype ? [] : [metatype]))
  return [...new Set<Decorated>(classes)]
}

function methodsOf(controller: Decorated): readonly Method[] {
  const prototype: object | undefined = controller.prototype
  if (prototype === undefined) return []
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((key) => {
    const handler: unknown = Reflect.get(prototype, key)
    if (typeof handler !== 'function') return []
    return { controller, handler, name: `${controller.name}.${key}`, access: accessOf(handler, controller) }
  })
}

/** Returns whether a package has marked the method, as those do that call it through guards. */
function hasHandlerMetadata(handler: Decorated): boolean {
  return Reflect.getMetadataKeys(handler).some((key) => key !== accessKey && key !== guards)
}

function has(key: string, handler: Decorated): boolean {
  return reflector.get<unknown>(key, handler) !== undefined
}

function isGuarded(controller: Decorated, handler: Decorated): boolean {
  const listed = reflector.getAll<(readonly unknown[] | undefined)[]>(guards, [controller, handler])
  return listed.flatMap((list) => list ?? []).some(isAuthGuard)
}
