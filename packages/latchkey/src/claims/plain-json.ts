/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** How deep objects and lists may be nested in the claims of a token and in grants. */
export const MAX_DEPTH = 32

/**
 * Returns a copy of an object that JSON gives back exactly as it is. Reads each member once, so that what was checked is
 * what is written.
 *
 * @param name What the message calls the object: `claims` makes `claims.until`.
 * @throws TypeError that names the member, for anything that JSON would change or drop: NaN, `undefined`, functions,
 * dates, maps and other instances of classes, `toJSON`, `__proto__`, hidden members and symbols as names.
 */
export function copyJsonObject(object: unknown, name: string): JsonObject {
  if (!isPlainObject(object)) throw new TypeError(`${name} is ${kindOf(object)}: give a plain object.`)
  return copyOfMembers(object, name, 0)
}

function copyOfMembers(members: Readonly<Record<string, unknown>>, path: string, depth: number): JsonObject {
  checkDepth(path, depth)
  const names = Object.keys(members)
  if (Reflect.ownKeys(members).length !== names.length) {
    throw new TypeError(`${path} has hidden members or symbols as names, which JSON drops.`)
  }
  const copy: Record<string, JsonValue> = {}
  for (const name of names) {
    if (name === '__proto__' || name === 'toJSON') throw new TypeError(`${path}.${name} is no allowed name.`)
    const value: unknown = members[name]
    copy[name] = isScalar(value) ? value : copyOfNested(value, `${path}.${name}`, depth + 1)
  }
  return copy
}

function copyOfList(list: readonly unknown[], path: string, depth: number): JsonValue {
  checkDepth(path, depth)
  // Names besides the indexes and `length`, such as toJSON, and holes both show in the number of names.
  const isPlain = Object.getPrototypeOf(list) === Array.prototype && Reflect.ownKeys(list).length === list.length + 1
  if (!isPlain) throw new TypeError(`${path} is no plain list: it has holes, names, or a class of its own.`)
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
  throw new TypeError(`${path} is ${kindOf(value)}, which JSON cannot hold: leave it out, or give a plain value.`)
}

function isScalar(value: unknown): value is string | number | boolean | null {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' || typeof value === 'boolean' || value === null
}

function checkDepth(path: string, depth: number): void {
  if (!(depth <= MAX_DEPTH)) throw new TypeError(`${path} is nested more than ${MAX_DEPTH} deep, or in a circle.`)
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Says what a value is, never what it holds. */
function kindOf(value: unknown): string {
  if (value === null || typeof value === 'undefined') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an instance of a class' : `a ${typeof value}`
}
