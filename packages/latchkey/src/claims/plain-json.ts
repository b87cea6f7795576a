/** A value that JSON can represent. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** The maximum nesting depth of objects and lists in claims and in grants. */
export const MAX_DEPTH = 32

/**
 * Returns a deep copy of a plain object that JSON represents without loss. Reads each member once,
 * so that the checked value is the copied value.
 *
 * @param name The object's name in messages: `claims` makes `claims.until`.
 * @throws TypeError that names the member, for a value that JSON would change or drop: NaN,
 * `undefined`, functions, dates, maps and other class instances, `toJSON`, `__proto__`,
 * non-enumerable members and symbol keys
 */
export function copyJsonObject(object: unknown, name: string): JsonObject {
  if (!isPlainObject(object)) throw new TypeError(`${name} is ${kindOf(object)}: pass a plain object.`)
  return copyOfMembers(object, name, 0)
}

function copyOfMembers(members: Readonly<Record<string, unknown>>, path: string, depth: number): JsonObject {
  checkDepth(path, depth)
  const names = Object.keys(members)
  if (Reflect.ownKeys(members).length !== names.length) {
    throw new TypeError(`${path} has non-enumerable members or symbol keys, which JSON drops.`)
  }
  const copy: Record<string, JsonValue> = {}
  for (const name of names) {
    if (name === '__proto__' || name === 'toJSON') throw new TypeError(`${path}.${name} is not an allowed name.`)
    const value: unknown = members[name]
    copy[name] = isScalar(value) ? value : copyOfNested(value, `${path}.${name}`, depth + 1)
  }
  return copy
}

function copyOfList(list: readonly unknown[], path: string, depth: number): JsonValue {
  checkDepth(path, depth)
  // Holes, and names besides the indexes and `length`, change the number of own keys.
  const isPlain = Object.getPrototypeOf(list) === Array.prototype && Reflect.ownKeys(list).length === list.length + 1
  if (!isPlain) throw new TypeError(`${path} is not a plain list: it has holes, named members or a class of its own.`)
  const copy: JsonValue[] = []
  for (let at = 0; at < list.length; at += 1) {
    const value = list[at]
    copy.push(isScalar(value) ? value : copyOfNested(value, `${path}[${at}]`, depth + 1))
  }
  return copy
}

function copyOfNested(value: unknown, path: string, depth: number): JsonValue {
  if (Array.isArray(value)) return copyOfList(value, path, depth)
  if (isPlainObject(value)) return copyOfMembers(value, path, depth)
  throw new TypeError(`${path} is ${kindOf(value)}, which JSON cannot hold: leave it out, or pass a plain value.`)
}

function isScalar(value: unknown): value is string | number | boolean | null {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' || typeof value === 'boolean' || value === null
}

function checkDepth(path: string, depth: number): void {
  if (!(depth <= MAX_DEPTH)) throw new TypeError(`${path} is nested more than ${MAX_DEPTH} deep, or in a circle.`)
}

/** Returns whether this is an object that a literal or `JSON.parse` makes, and no list. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Returns the kind of a value for a message, never its content. */
function kindOf(value: unknown): string {
  if (value === null || typeof value === 'undefined') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an instance of a class' : `a ${typeof value}`
}
