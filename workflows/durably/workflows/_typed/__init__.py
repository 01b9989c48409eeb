"""What `typed()` is made of: codecs between values of an annotated type and plain JSON.

`compiler` turns a type into a `Codec` out of `leaves`, `containers`, `unions`, `classes` and `models`;
`binding` finds the type in a function's return annotation; `serializer` is the `SerDes` around it all.
Nothing here is imported before a user calls `typed()`.
"""
