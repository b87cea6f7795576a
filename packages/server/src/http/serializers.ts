import buildSerializers from '@fastify/fast-json-stringify-compiler'

/** Compiles the schemas of answers, each when the first such answer goes out: all of them at once took a quarter of the start. */
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
