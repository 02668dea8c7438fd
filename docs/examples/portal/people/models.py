from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class MemberManager(BaseUserManager["Member"]):
    def create_user(self, email, password=None, **fields):
        member = self.model(email=self.normalize_email(email), **fields)
        member.set_password(password)
        member.save(using=self._db)
        return member

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_staff=True, **fields)


class Member(AbstractBaseUser):
    """A customer, known by e-mail: no username, no is_active, and a key that is neither a
    number nor called id; the names of table and column are such as have to be quoted."""

    number = models.UUIDField(
        "Nummer", primary_key=True, default=uuid.uuid4, editable=False, db_column="Nummer"
    )
    email = models.EmailField("E-Mail", unique=True)
    full_name = models.CharField("Name", max_length=100)
    is_staff = models.BooleanField("Mitarbeit", default=False)

    objects = MemberManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        db_table = "Mitglieder"
        verbose_name = "Mitglied"
        verbose_name_plural = "Mitglieder"

    def __str__(self):
        return self.full_name

    def has_perm(self, permission, obj=None):
        return self.is_staff

    def has_module_perms(self, app_label):
        return self.is_staff


class Device(models.Model):
    """What a member has bought; its names are also those of the assistant's own tables."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="devices")
    name = models.CharField("Gerät", max_length=100)

    class Meta:
        verbose_name = "Gerät"
        verbose_name_plural = "Geräte"

    def __str__(self):
        return self.name
