import { type ExecutionContext, SetMetadata } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import type { Auth } from '../../auth.js'

/** A check of the caller's rights: returns its argument or throws a LatchkeyError. */
export type RouteCheck = (auth: Auth) => Auth

/** A class or a method, as Nest passes it to a guard. */
export type Decorated = ReturnType<ExecutionContext['getHandler']>

/** The demands of the decorators of a class or of a method on a request. */
export type Access = OpenAccess | CheckedAccess

/** `public`: the guard reads no token. `optional`: a request without credentials passes. */
interface OpenAccess {
  readonly kind: 'public' | 'optional'
  /** The class or the method that was decorated; a subclass is another place. */
  readonly place: Decorated
}

/** Only a caller that passes all checks may pass. */
interface CheckedAccess {
  readonly kind: 'required'
  readonly checks: readonly RouteCheck[]
  readonly place: Decorated
}

/** A decorator of a controller, gateway or resolver, or of one of its methods. */
export type RouteDecorator = ClassDecorator & MethodDecorator

/** The key of the metadata that the decorators write. */
export const accessKey = 'latchkey:access'

const reflector = new Reflector()

/**
 * Returns what the decorators demand of a request to this handler; `undefined` if it has none.
 *
 * Checks of the class and of the handler must all hold. Otherwise the decorator of the handler
 * counts, so that `@Public()` on a class never opens a handler that has `@Roles`.
 */
export function accessOf(handler: Decorated, controller: Decorated): Access | undefined {
  const ofHandler = read(handler)
  const ofClass = ofController(controller)
  if (ofHandler === undefined) return ofClass
  if (ofHandler.kind !== 'required' || ofClass?.kind !== 'required') return ofHandler
  return { ...ofHandler, checks: [...ofClass.checks, ...ofHandler.checks] }
}

/**
 * Returns what the decorators of a class demand. Subclasses inherit checks. They do not inherit
 * `@Public()` and `@OptionalAuth()`, which would open handlers that the decorated class lacks.
 */
export function ofController(controller: Decorated): Access | undefined {
  const access = read(controller)
  return access?.kind === 'required' || access?.place === controller ? access : undefined
}

/** Returns a decorator that opens a class or a method. */
export function open(name: string, kind: OpenAccess['kind']): RouteDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const place = placeOf(name, target, key, descriptor)
    const own = ownAccess(place, key)
    if (own !== undefined && own.kind !== kind) throw contradiction(name, place)
    write(place, { kind, place })
  }
}

/** Returns a decorator that adds a check to those that a class or a method has. */
export function required(name: string, check: RouteCheck): RouteDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const place = placeOf(name, target, key, descriptor)
    const own = ownAccess(place, key)
    if (own !== undefined && own.kind !== 'required') throw contradiction(name, place)
    const before = read(place)
    write(place, { kind: 'required', checks: [...(before?.kind === 'required' ? before.checks : []), check], place })
  }
}

/** Returns the metadata of a method, or of a class and its base classes. */
function read(place: Decorated): Access | undefined {
  return reflector.get<Access | undefined>(accessKey, place)
}

function write(place: Decorated, access: Access): void {
  SetMetadata<string, Access>(accessKey, access)(place)
}

/**
 * Returns the metadata without that of base classes. A method has no base; its metadata may come
 * from another function that a decorator has wrapped.
 */
function ownAccess(place: Decorated, key: string | symbol | undefined): Access | undefined {
  const access = read(place)
  return key !== undefined || access?.place === place ? access : undefined
}

function placeOf(name: string, target: object, key?: string | symbol, descriptor?: PropertyDescriptor): Decorated {
  const place: unknown = key === undefined ? target : descriptor?.value
  if (typeof place !== 'function') throw new TypeError(`@${name} decorates a class or a method.`)
  return place
}

function contradiction(name: string, place: Decorated): TypeError {
  return new TypeError(
    `@${name} on ${place.name} contradicts another decorator of latchkey/nest on it: one opens it, the other guards it. Remove one.`,
  )
}
