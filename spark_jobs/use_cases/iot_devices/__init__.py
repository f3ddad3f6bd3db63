"""The use case iot_devices."""
