// Reads schemas, and holds documents against the first of them, with the reference implementation of GraphQL.
import { readFileSync } from "node:fs";
import { buildSchema, parse, validate, validateSchema } from "graphql";

const [, , documents, ...files] = process.argv;
const schemas = files.map((file) => buildSchema(readFileSync(file, "utf8")));
for (const schema of schemas) {
  const errors = validateSchema(schema).map(String);
  const undescribed = Object.values(schema.getTypeMap())
    .filter((type) => !type.name.startsWith("__"))
    .flatMap((type) => [type, ...Object.values(type.getFields?.() ?? {}), ...(type.getValues?.() ?? [])])
    // Connections are described by Relay's specification.
    .filter((member) => !member.description && !member.name.endsWith("Connection"))
    .map((member) => member.name);
  console.log(JSON.stringify({ schema: { types: Object.keys(schema.getTypeMap()).length, errors, undescribed } }));
}
for (const document of JSON.parse(documents)) {
  const errors = validate(schemas[0], parse(document)).map(String);
  console.log(JSON.stringify({ document: { document, errors } }));
}
