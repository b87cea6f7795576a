/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Returns whether the value is an object, neither an array nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Returns the object after a merge patch (RFC 7396): members of the patch replace those of the same
 * name, null removes one, objects are merged member by member, and everything else stays.
 */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, mergeMember(merged.get(name), value))
  }
  return Object.fromEntries(merged)
}

function mergeMember(before: unknown, value: unknown): unknown {
  return isJsonObject(value) ? mergePatch(isJsonObject(before) ? before : {}, value) : value
}
