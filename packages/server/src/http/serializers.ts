import buildSerializers from '@fastify/fast-json-stringify-compiler'

/**
 * Returns a factory that compiles the schema of an answer when it is first sent. Compiling all
 * schemas took a quarter of the start.
 */
export function createSerializerFactory(): buildSerializers.SerializerFactory {
  const createCompiler = buildSerializers()
  return (schemas, options) => {
    const compile = createCompiler(schemas, options)
    return (route) => {
      let serialize: buildSerializers.Serializer | undefined
      return (answer) => {
        serialize ??= compile(route)
        return serialize(answer)
      }
    }
  }
}
